use ringfence::Element;

#[derive(Element, Clone, Copy)]
#[element(name = "md.Quote", version = 4294967296)]
#[repr(C)]
struct Quote {
    price: i64,
}

fn main() {}
