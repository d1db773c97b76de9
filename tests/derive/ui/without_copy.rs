use ringfence::Element;

#[derive(Element)]
#[element(name = "md.Quote")]
#[repr(C)]
struct Quote {
    price: i64,
}

fn main() {}
