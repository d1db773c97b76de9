use ringfence::Element;

#[derive(Element, Clone, Copy)]
#[element(name = "md.Quote")]
#[repr(C)]
struct Quote<'a> {
    symbol: &'a [u8; 8],
}

fn main() {}
