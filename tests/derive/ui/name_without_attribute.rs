use ringfence::Element;

#[derive(Element, Clone, Copy)]
#[allow(dead_code)]
#[repr(C)]
struct Quote {
    price: i64,
}

fn main() {}
