//! `docs/layout.md`, read as the tables that it consists of.

/// The specification's text.
const LAYOUT: &str = include_str!("../../docs/layout.md");

/// One field of a table of the specification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) offset: usize,
    pub(crate) bytes: usize,
    pub(crate) name: String,
}

/// The fields of the table under the heading `title`.
pub(crate) fn table(title: &str) -> Vec<Field> {
    let mut lines = LAYOUT.lines().skip_while(|line| line.trim_start_matches('#').trim() != title);
    assert!(lines.next().is_some(), "docs/layout.md has no heading {title:?}");
    let section = lines.take_while(|line| !line.starts_with('#'));
    let fields: Vec<_> = section.filter_map(field).collect();
    assert!(!fields.is_empty(), "docs/layout.md has no fields under {title:?}");
    fields
}

/// A row of a table whose first two cells are numbers and whose third is a name.
fn field(line: &str) -> Option<Field> {
    let mut cells = line.strip_prefix("| ")?.split(" | ");
    let (offset, bytes) = (cells.next()?.parse().ok()?, cells.next()?.parse().ok()?);
    let name = cells.next()?.strip_prefix('`')?.strip_suffix('`')?.to_owned();
    Some(Field { offset, bytes, name })
}

#[test]
fn every_table_of_the_specification_fills_its_part_without_gap_or_overlap() {
    for (title, start, end) in [
        ("Preamble", 0, 128),
        ("Body", 128, 512),
        ("Row of the field table", 0, 16),
        ("Shared words", 0, 4096),
        ("Entry of a participant", 0, 256),
        ("Gate", 0, 128),
    ] {
        let mut at = start;
        for field in table(title) {
            assert_eq!(field.offset, at, "{title}: {}", field.name);
            at += field.bytes;
        }
        assert_eq!(at, end, "{title}");
    }
}

#[test]
fn no_two_fields_of_the_specification_have_one_name() {
    let titles =
        ["Preamble", "Body", "Row of the field table", "Shared words", "Entry of a participant", "Gate"];
    let mut names: Vec<_> = titles.into_iter().flat_map(table).map(|it| it.name).collect();
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn the_links_of_the_specification_lead_to_its_headings() {
    let anchor = |title: &str| title.trim().to_lowercase().replace(' ', "-");
    let headings: Vec<_> = LAYOUT
        .lines()
        .filter_map(|line| line.strip_prefix('#'))
        .map(|it| anchor(it.trim_start_matches('#')))
        .collect();
    for link in LAYOUT.split("](#").skip(1) {
        let target = link.split(')').next().expect("an end");
        assert!(headings.iter().any(|it| it == target), "{target}");
    }
}
