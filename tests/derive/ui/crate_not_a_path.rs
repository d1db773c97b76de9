use ringfence::Element;

#[derive(Element, Clone, Copy)]
#[element(name = "md.Quote", crate = "not a path")]
#[repr(C)]
struct Quote {
    price: i64,
}

fn main() {}
