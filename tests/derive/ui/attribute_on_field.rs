use ringfence::Element;

#[derive(Element, Clone, Copy)]
#[element(name = "md.Quote")]
#[repr(C)]
struct Quote {
    #[element(name = "price")]
    price: i64,
}

fn main() {}
