use ringfence::Element;

#[derive(Element, Clone, Copy)]
#[element(name = "test.Pair")]
#[repr(C)]
struct Pair<A, B> {
    first: A,
    second: B,
}

const _: ringfence::Schema = Pair::<u32, u32>::SCHEMA;
const _: ringfence::Schema = Pair::<u32, u64>::SCHEMA;

fn main() {}
