use ringfence::Element;

#[derive(Element, Clone, Copy)]
#[element]
#[repr(C)]
struct Quote {
    price: i64,
}

fn main() {}
