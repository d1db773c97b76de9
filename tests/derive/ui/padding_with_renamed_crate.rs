extern crate ringfence as rings;

#[derive(rings::Element, Clone, Copy)]
#[element(name = "md.Quote", crate = "rings")]
#[repr(C)]
struct Quote {
    side: u8,
    price: i64,
}

fn main() {}
