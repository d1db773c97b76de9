use ringfence::Element;

#[derive(Element, Clone, Copy)]
#[element(name = "md.Quote", version = 3, compatible = [0])]
#[repr(C)]
struct Quote {
    price: i64,
}

fn main() {}
