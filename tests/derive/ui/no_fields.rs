use ringfence::Element;

#[derive(Element, Clone, Copy)]
#[element(name = "md.Quote")]
#[repr(C)]
struct Quote {}

fn main() {}
