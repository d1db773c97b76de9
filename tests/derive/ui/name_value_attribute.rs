use ringfence::Element;

#[derive(Element, Clone, Copy)]
#[element = "md.Quote"]
#[repr(C)]
struct Quote {
    price: i64,
}

fn main() {}
