use ringfence::Element;

#[derive(Element, Clone, Copy)]
#[element(name = "md.Quote")]
#[element(name = "md.Trade")]
#[repr(C)]
struct Quote {
    price: i64,
}

fn main() {}
