//! The JSON schema of a request or response body.

use utoipa::ToSchema;
use utoipa::openapi::schema::{AdditionalProperties, Schema, SchemaType, Type};
use utoipa::openapi::{Object, Ref, RefOr};

/// The schema of a body, with the schemas that it refers to.
pub(crate) struct BodySchema {
    name: String,
    schema: RefOr<Schema>,
    parts: Vec<(String, RefOr<Schema>)>,
}

impl BodySchema {
    /// The schema of a request body. Clients may send additional members.
    pub(crate) fn of_request<T: ToSchema>() -> Self {
        let mut schema = Self::of::<T>();
        schema.inline_members();
        schema
    }

    /// The schema of a response body, which has no additional members.
    pub(crate) fn of_response<T: ToSchema>() -> Self {
        let mut model = Self::of::<T>();
        for schema in model.parts.iter_mut().map(|(_, part)| part).chain([&mut model.schema]) {
            close(schema);
        }
        model
    }

    fn of<T: ToSchema>() -> Self {
        let mut parts = Vec::new();
        T::schemas(&mut parts);
        Self { name: T::name().into_owned(), schema: T::schema(), parts }
    }

    /// Replaces the references of members by the schemas themselves. utoipa emits a reference for every type that it
    /// does not know, and "this reference or `null`" for an `Option` of such a type.
    fn inline_members(&mut self) {
        let RefOr::T(Schema::Object(object)) = &mut self.schema else { return };
        for member in object.properties.values_mut() {
            let inlined = match member {
                RefOr::Ref(reference) => take(&mut self.parts, reference, false),
                RefOr::T(Schema::OneOf(options)) => options.items.iter().find_map(|option| match option {
                    RefOr::Ref(reference) => take(&mut self.parts, reference, true),
                    RefOr::T(_) => None,
                }),
                RefOr::T(_) => None,
            };
            if let Some(schema) = inlined {
                *member = RefOr::T(schema);
            }
        }
    }

    /// The reference to this schema in a document.
    pub(crate) fn reference(&self) -> Ref {
        Ref::from_schema_name(&self.name)
    }

    /// The schema and the schemas that it refers to, by name.
    pub(crate) fn into_schemas(self) -> impl Iterator<Item = (String, RefOr<Schema>)> {
        self.parts.into_iter().chain([(self.name, self.schema)])
    }

    pub(crate) fn has(&self, member: &str) -> bool {
        self.object().is_some_and(|object| object.properties.contains_key(member))
    }

    /// The first required member.
    pub(crate) fn required_member(&self) -> Option<&str> {
        self.object()?.required.first().map(String::as_str)
    }

    pub(crate) fn any_member(&self) -> Option<&str> {
        self.object()?.properties.keys().next().map(String::as_str)
    }

    /// What the body is.
    pub(crate) fn description(&self) -> Option<&str> {
        self.object()?.description.as_deref()
    }

    fn object(&self) -> Option<&Object> {
        match &self.schema {
            RefOr::T(Schema::Object(object)) => Some(object),
            _ => None,
        }
    }

    pub(super) fn member_mut(&mut self, member: &str) -> Option<&mut Object> {
        let RefOr::T(Schema::Object(object)) = &mut self.schema else { return None };
        match object.properties.get_mut(member)? {
            RefOr::T(Schema::Object(member)) => Some(member),
            _ => None,
        }
    }
}

/// Removes the schema that a member refers to from `parts`. Two members of one type have one entry each.
fn take(parts: &mut Vec<(String, RefOr<Schema>)>, reference: &Ref, is_nullable: bool) -> Option<Schema> {
    let name = reference.ref_location.rsplit('/').next()?;
    let index = parts.iter().position(|(part, _)| part == name)?;
    let (_, RefOr::T(mut schema)) = parts.swap_remove(index) else { return None };
    if let Schema::Object(object) = &mut schema {
        if !reference.description.is_empty() {
            object.description = Some(reference.description.clone());
        }
        if is_nullable {
            object.schema_type = SchemaType::from_iter([Type::String, Type::Null]);
        }
    }
    Some(schema)
}

/// Excludes additional members from an object. A schema without members is a map or not an object, and stays open.
fn close(schema: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::Object(object)) = schema
        && !object.properties.is_empty()
    {
        object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        object.properties.values_mut().for_each(close);
    }
}
