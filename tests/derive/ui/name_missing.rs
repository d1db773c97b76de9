use ringfence::Element;

#[derive(Element, Clone, Copy)]
#[element(version = 2)]
#[repr(C)]
struct Quote {
    price: i64,
}

fn main() {}
