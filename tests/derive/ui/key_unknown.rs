use ringfence::Element;

#[derive(Element, Clone, Copy)]
#[element(name = "md.Quote", verison = 2)]
#[repr(C)]
struct Quote {
    price: i64,
}

fn main() {}
