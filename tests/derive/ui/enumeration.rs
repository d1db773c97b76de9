use ringfence::Element;

#[derive(Element, Clone, Copy)]
#[element(name = "md.Side")]
#[repr(u8)]
enum Side {
    Buy,
    Sell,
}

fn main() {}
