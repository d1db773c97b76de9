use ringfence::Element;

#[derive(Element, Clone, Copy)]
#[element(name = "md.Quote")]
#[repr(C, align(64))]
struct Quote {
    price: i64,
}

fn main() {}
