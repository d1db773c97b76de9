use ringfence::Element;

#[derive(Element, Clone, Copy)]
#[element(name = "md.Quote", crate = ringfence)]
#[repr(C)]
struct Quote {
    price: i64,
}

fn main() {}
