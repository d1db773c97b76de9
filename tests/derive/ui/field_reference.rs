use ringfence::Element;

#[derive(Element, Clone, Copy)]
#[element(name = "md.Quote")]
#[repr(C)]
struct Quote {
    price: i64,
    field: &'static u64,
}

fn main() {}
