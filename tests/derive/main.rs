//! What `#[derive(Element)]` promises: the schema that it writes, the structs that it takes, and the
//! sentences with which it refuses the rest.
#![forbid(unsafe_code)]
#![expect(dead_code, reason = "schemas describe these structs, nobody reads their fields")]

extern crate ringfence as rings;

mod fingerprint;
mod schema;
mod structs;

/// The texts are those of the stable compiler that CI pins; `TRYBUILD=overwrite` writes them anew.
#[test]
#[cfg_attr(miri, ignore = "starts the compiler")]
fn refusals_say_what_is_wrong_and_where() {
    trybuild::TestCases::new().compile_fail("tests/derive/ui/*.rs");
}
