use ringfence::Element;

#[derive(Clone, Copy)]
#[repr(C)]
struct Price(i64);

#[derive(Element, Clone, Copy)]
#[element(name = "md.Quote")]
#[repr(C)]
struct Quote {
    price: Price,
    levels: [Price; 4],
}

fn main() {}
