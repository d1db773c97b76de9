use ringfence::Element;

#[derive(Element, Clone, Copy)]
#[element(name = "md.Quote")]
#[repr(align(8))]
struct Quote {
    price: i64,
}

fn main() {}
