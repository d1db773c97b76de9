use ringfence::Element;

#[derive(Element, Clone, Copy)]
#[element(name = "md.Quote")]
#[repr(C)]
struct Quote {
    side: u8,
    price: i64,
}

fn main() {}
