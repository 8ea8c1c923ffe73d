//! Who may hear what: the types that carry permission, and the rules that grant it.
