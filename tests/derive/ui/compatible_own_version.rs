use ringfence::Element;

#[derive(Element, Clone, Copy)]
#[element(name = "md.Quote", version = 2, compatible = [2])]
#[repr(C)]
struct Quote {
    price: i64,
}

fn main() {}
