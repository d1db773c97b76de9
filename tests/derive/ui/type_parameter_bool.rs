use ringfence::Element;

#[derive(Element, Clone, Copy)]
#[element(name = "test.Wrapper")]
#[repr(transparent)]
struct Wrapper<T>(T);

fn needs_element<T: Element>() {}

fn main() {
    needs_element::<Wrapper<bool>>();
}
