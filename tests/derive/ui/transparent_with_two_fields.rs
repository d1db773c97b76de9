use ringfence::Element;

#[derive(Element, Clone, Copy)]
#[element(name = "md.Price")]
#[repr(transparent)]
struct Price([u8; 0], i64);

fn main() {}
