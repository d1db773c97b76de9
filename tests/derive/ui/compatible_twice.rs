use ringfence::Element;

#[derive(Element, Clone, Copy)]
#[element(name = "md.Quote", version = 3, compatible = [1, 2, 1])]
#[repr(C)]
struct Quote {
    price: i64,
}

fn main() {}
