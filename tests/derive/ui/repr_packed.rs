use ringfence::Element;

#[derive(Element, Clone, Copy)]
#[element(name = "md.Quote")]
#[repr(packed)]
struct Quote {
    price: i64,
}

fn main() {}
