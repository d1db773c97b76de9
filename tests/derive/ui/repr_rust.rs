use ringfence::Element;

#[derive(Element, Clone, Copy)]
#[element(name = "md.Quote")]
#[repr(Rust)]
struct Quote {
    price: i64,
}

fn main() {}
