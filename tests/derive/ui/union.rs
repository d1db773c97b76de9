use ringfence::Element;

#[derive(Element, Clone, Copy)]
#[element(name = "md.Value")]
#[repr(C)]
union Value {
    integer: i64,
    float: f64,
}

fn main() {}
