use ringfence::Element;

#[derive(Element, Clone, Copy)]
#[element(name = "")]
#[repr(C)]
struct Quote {
    price: i64,
}

fn main() {}
