namespace Kube.ApiServer.Tests;

public sealed class ValidationRuleTests : IDisposable
{
    private const string Crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    private const string Things = "/apis/example.com/v1/namespaces/default/things";
    private readonly TestServer _server = new();

    public void Dispose() => _server.Dispose();

    private Answer Define(string spec, string rootRules = "[]") => _server.Post(Crds,
        $$$$$"""
        {"metadata":{"name":"things.example.com"},"spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"things","kind":"Thing"},
         "versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-validations":{{{{{rootRules}}}}},
           "properties":{"spec":{{{{{spec}}}}}}}}}]}}
        """);

    private Answer Create(string spec, string name = "t") => _server.Post(Things, $$$"""{"apiVersion":"example.com/v1","kind":"Thing","metadata":{"name":"{{{name}}}"},"spec":{{{spec}}} }""");

    private Answer Change(string spec) => _server.Patch($"{Things}/t", $$"""{"spec":{{spec}} }""");

    private const string Replicas = "\"properties\":{\"min\":{\"type\":\"integer\"},\"max\":{\"type\":\"integer\"},\"name\":{\"type\":\"string\"}}";

    [Fact]
    public void An_object_that_breaks_a_rule_is_refused_with_its_message()
    {
        Define($$"""{"type":"object","x-kubernetes-validations":[{"rule":"self.min <= self.max","message":"min must not exceed max"}],{{Replicas}} }""");
        Assert.Equal("Thing.example.com \"t\" is invalid: spec: Invalid value: \"object\": min must not exceed max", (string)Create("""{"min":3,"max":2}""").Fails(422, "Invalid").Json["message"]!);
        Create("""{"min":1,"max":2}""");
        Assert.Equal(200, (int)Change("""{"max":3}""").Code);
        Change("""{"max":0}""").Fails(422, "Invalid", "min must not exceed max");
        Create("""{"min":1}""", "u").Fails(422, "Invalid", "spec: Invalid value: \"object\": rule evaluation error: no such key: max for rule: self.min <= self.max");
    }

    [Fact]
    public void A_rule_says_by_itself_what_is_wrong_and_where()
    {
        Define($$"""
            {"type":"object","x-kubernetes-validations":[
              {"rule":"self.min <= self.max","messageExpression":"'min ' + string(self.min) + ' exceeds ' + string(self.max)","fieldPath":".min","reason":"FieldValueForbidden"},
              {"rule":"self.min >= 0"}],{{Replicas}} }
            """);
        var refused = Create("""{"min":3,"max":2}""").Fails(422, "Invalid", "spec.min: Forbidden: min 3 exceeds 2");
        Assert.Equal("FieldValueForbidden", (string)refused.Json["details"]!["causes"]![0]!["reason"]!);
        Create("""{"min":-1,"max":2}""").Fails(422, "Invalid", "spec: Invalid value: \"object\": failed rule: self.min >= 0");
    }

    [Fact]
    public void Rules_of_transition_are_asked_on_updates_and_compare_with_what_was()
    {
        Define("""{"type":"object","properties":{"n":{"type":"integer","x-kubernetes-validations":[{"rule":"self >= oldSelf","message":"n never falls"}]},"s":{"type":"string"}}}""");
        Create("""{"n":2}""");
        Change("""{"n":1}""").Fails(422, "Invalid", "spec.n: Invalid value: \"integer\": n never falls");
        Assert.Equal(200, (int)Change("""{"n":3}""").Code);
        Assert.Equal(200, (int)Change("""{"n":null}""").Code);
        Assert.Equal(200, (int)Change("""{"n":1}""").Code);
    }

    [Fact]
    public void An_optional_old_value_lets_a_rule_speak_on_creation_too()
    {
        Define("""{"type":"object","properties":{"n":{"type":"integer","x-kubernetes-validations":[{"rule":"oldSelf.hasValue() || self == 0","optionalOldSelf":true,"message":"begins with 0"}]}}}""");
        Create("""{"n":1}""").Fails(422, "Invalid", "spec.n: Invalid value: \"integer\": begins with 0");
        Create("""{"n":0}""");
        Assert.Equal(200, (int)Change("""{"n":1}""").Code);
    }

    [Fact]
    public void Items_of_a_keyed_list_are_compared_with_the_item_of_that_key()
    {
        Define("""
            {"type":"object","properties":{"parts":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["name"],
             "items":{"type":"object","required":["name"],"x-kubernetes-validations":[{"rule":"self.size == oldSelf.size","message":"size stays"}],
              "properties":{"name":{"type":"string"},"size":{"type":"integer"}}}}}}
            """);
        Create("""{"parts":[{"name":"a","size":1},{"name":"b","size":2}]}""");
        Assert.Equal(200, (int)Change("""{"parts":[{"name":"b","size":2},{"name":"a","size":1},{"name":"c","size":3}]}""").Code);
        Change("""{"parts":[{"name":"a","size":1},{"name":"b","size":3}]}""").Fails(422, "Invalid", "spec.parts[1]: Invalid value: \"object\": size stays");
    }

    [Fact]
    public void What_did_not_change_is_not_asked_again()
    {
        Define($$"""{"type":"object",{{Replicas}} }""");
        Create("""{"min":3,"max":2,"name":"a"}""");
        const string Strict = """{"type":"object","properties":{"min":{"type":"integer","x-kubernetes-validations":[{"rule":"self < 3"}]},"max":{"type":"integer"},"name":{"type":"string"}}}""";
        _server.Patch($"{Crds}/things.example.com", $$"""[{"op":"replace","path":"/spec/versions/0/schema/openAPIV3Schema/properties/spec","value":{{Strict}} }]""", "application/json-patch+json");
        Assert.Equal(200, (int)Change("""{"name":"b"}""").Code);
        Change("""{"min":4}""").Fails(422, "Invalid", "spec.min: Invalid value: \"integer\": failed rule: self < 3");
    }

    [Fact]
    public void Rules_of_the_whole_object_see_its_name()
    {
        Define("""{"type":"object"}""", """[{"rule":"self.metadata.name.startsWith('t') && self.kind == 'Thing'","message":"name it t..."}]""");
        Assert.Equal(201, (int)Create("{}").Code);
        Create("{}", "u").Fails(422, "Invalid", "name it t...");
    }

    [Fact]
    public void Rules_are_not_asked_about_values_of_a_wrong_type()
    {
        Define($$"""{"type":"object","x-kubernetes-validations":[{"rule":"self.min <= self.max"}],{{Replicas}} }""");
        Create("""{"min":"three"}""").Fails(422, "Invalid", "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation");
    }

    [Fact]
    public void A_rule_that_does_not_compile_is_refused_with_the_definition()
    {
        Define("""{"type":"object","x-kubernetes-validations":[{"rule":"self.none"}]}""")
            .Fails(422, "Invalid", "spec.versions[0].schema.openAPIV3Schema.properties[spec].x-kubernetes-validations[0].rule: Invalid value: \"self.none\": compilation failed: ERROR: <input>:1:5: undefined field 'none'");
        Define("""{"type":"object","x-kubernetes-validations":[{"rule":"1 + 1"}]}""").Fails(422, "Invalid", "compilation failed: must evaluate to a bool");
        Define("""{"type":"object","x-kubernetes-validations":[{"rule":"true","messageExpression":"1"}]}""").Fails(422, "Invalid", "messageExpression: Invalid value: \"1\": compilation failed: must evaluate to a string");
        Define("""{"type":"object","x-kubernetes-validations":[{"message":"m"}]}""").Fails(422, "Invalid", "x-kubernetes-validations[0].rule: Required value");
    }

    [Fact]
    public void A_rule_that_takes_too_long_is_ended()
    {
        Define("""{"type":"object","properties":{"list":{"type":"array","items":{"type":"integer"},"x-kubernetes-validations":[{"rule":"self.all(a, self.all(b, self.all(c, self.all(d, a + b + c + d >= 0))))"}]}}}""");
        Create($$"""{"list":[{{string.Join(',', Enumerable.Range(0, 100))}}]}""").Fails(422, "Invalid", "validation failed due to running out of cost budget, no further validation rules will be run");
    }
}
