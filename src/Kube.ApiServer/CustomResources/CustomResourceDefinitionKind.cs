using System.Collections.Immutable;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>
/// CustomResourceDefinitions. What one declares is served as soon as it is stored, under the names that it gets (<see cref="AcceptedNames"/>); deleting it deletes its objects first, so
/// it stays, terminating, as long as one of them is held by a finalizer.
/// </summary>
internal sealed class CustomResourceDefinitionKind(ImmutableDictionary<string, ConvertResource> converters) : KindStrategy
{
    private const string CleanupFinalizer = "customresourcecleanup.apiextensions.k8s.io";

    public override ResourceKind Kind => Kinds.CustomResourceDefinition;
    public override ImmutableArray<string> ShortNames => ["crd", "crds"];
    public override ImmutableArray<string> Categories => ["api-extensions"];
    public override bool HasStatus => true;
    public override bool HasGeneration => true;
    public override bool RequiresQualifiedFinalizers => false;
    public override ImmutableArray<TableColumn> Columns => [TableColumn.Text("Created At", static c => c.Text("metadata", "creationTimestamp"))];

    /// <summary>What a server written in Go writes of an empty definition.</summary>
    public override JsonObject Empty => new()
    {
        ["metadata"] = new JsonObject(),
        ["spec"] = new JsonObject { ["group"] = "", ["names"] = new JsonObject { ["plural"] = "", ["kind"] = "" }, ["scope"] = "", ["versions"] = null },
        ["status"] = new JsonObject { ["conditions"] = null, ["acceptedNames"] = new JsonObject { ["plural"] = "", ["kind"] = "" }, ["storedVersions"] = null },
    };

    public override void PrepareForCreate(JsonObject obj, WriteContext context)
    {
        DefaultNames(obj.Object("spec").Object("names"));
        var finalizers = obj.Object("metadata").Array("finalizers");
        if (!finalizers.Texts().Contains(CleanupFinalizer)) finalizers.Add((JsonNode)CleanupFinalizer);
        obj["status"] = new JsonObject { ["conditions"] = new JsonArray(), ["acceptedNames"] = new JsonObject(), ["storedVersions"] = StorageVersion(obj) is { } version ? new JsonArray(version) : [] };
        AcceptedNames.Settle(obj, Others(obj, context.Server), context.Now);
    }

    public override void PrepareForUpdate(JsonObject obj, JsonObject old, WriteContext context)
    {
        DefaultNames(obj.Object("spec").Object("names"));
        AcceptedNames.Settle(obj, Others(obj, context.Server), context.Now);
        var stored = obj.Object("status").Array("storedVersions");
        if (StorageVersion(obj) is { } version && !stored.Texts().Contains(version)) stored.Add((JsonNode)version);
    }

    public override void Default(JsonObject obj)
    {
        var spec = obj.Object("spec");
        DefaultNames(spec.Object("names"));
        spec.Object("conversion").Default("strategy", "None");
    }

    public override void Validate(JsonObject obj, List<FieldError> errors)
    {
        var spec = obj.Object("spec");
        foreach (var member in new[] { "group", "scope" })
        {
            if (string.IsNullOrEmpty(spec.Text(member))) errors.Add(FieldError.Required($"spec.{member}", ""));
        }

        foreach (var member in new[] { "plural", "kind" })
        {
            if (string.IsNullOrEmpty(spec.Text("names", member))) errors.Add(FieldError.Required($"spec.names.{member}", ""));
        }

        PodSpecRules.OneOf(spec, "scope", "spec", ["Cluster", "Namespaced"], errors);
        if (obj.Text("metadata", "name") is { } name && name != $"{spec.Text("names", "plural")}.{spec.Text("group")}")
        {
            errors.Add(FieldError.Invalid("metadata.name", $"\"{name}\"", "must be spec.names.plural+\".\"+spec.group"));
        }

        ValidateVersions(spec, errors);
    }

    public override void ValidateUpdate(JsonObject obj, JsonObject old, List<FieldError> errors)
    {
        foreach (var path in new[] { new[] { "group" }, ["scope"], ["names", "kind"], ["names", "plural"] })
        {
            var (now, was) = (obj["spec"].Text(path), old["spec"].Text(path));
            if (now != was) errors.Add(FieldError.Invalid($"spec.{string.Join('.', path)}", $"\"{now}\"", "field is immutable"));
        }
    }

    public override void Committed(JsonObject? obj, JsonObject? old, WriteContext context)
    {
        if (obj is null)
        {
            Unserve(old!, context.Server);
            SettleOthers(old!, context);
        }
        else
        {
            if (AcceptedNames.IsEstablished(obj)) Serve(obj, context.Server);
            if (old is not null && !obj.At("status", "acceptedNames").SameAs(old.At("status", "acceptedNames"))) SettleOthers(obj, context);
            if (obj.Text("metadata", "deletionTimestamp") is not null && old.Text("metadata", "deletionTimestamp") is null) DeleteInstances(obj, context);
        }
    }

    public static bool IsTerminating(string name, ServerState server) =>
        server.Registry.Find("apiextensions.k8s.io", "v1", "customresourcedefinitions") is { } crds
        && crds.Objects.Find(new ObjectKey("", name)) is { Header.Terminating: true };

    /// <summary>An object of a terminating definition is gone; with the last one the definition goes.</summary>
    public static void InstanceGone(string name, WriteContext context)
    {
        if (!IsTerminating(name, context.Server)) return;
        var crds = context.Server.Registry.Find("apiextensions.k8s.io", "v1", "customresourcedefinitions")!;
        var crd = JsonTree.Read(crds.Objects.Find(new ObjectKey("", name))!.Utf8);
        if (Instances(crd, context.Server).Objects.IsEmpty) Finish(name, crds, context.Server);
    }

    /// <summary>The definitions that are stored beside this one.</summary>
    private static IEnumerable<JsonObject> Others(JsonObject crd, ServerState server)
    {
        var name = crd.Text("metadata", "name");
        return server.Objects(Kinds.CustomResourceDefinition).Objects.Where(o => o.Key.Name != name).Select(static o => o.Bytes.ReadTree());
    }

    /// <summary>Names that have become free go to those who wait for them.</summary>
    private static void SettleOthers(JsonObject crd, WriteContext context)
    {
        var server = context.Server;
        foreach (var waiting in Others(crd, server).Where(o => o.Text("spec", "group") == crd.Text("spec", "group") && !AcceptedNames.AreAll(o)).ToList())
        {
            var call = new ResourceCall(new ApiRequest("PATCH", ""), Query.Parse(""), context.Call.Resource, null, waiting.Text("metadata", "name"), null);
            try
            {
                DirectUpdate.Apply(new WriteContext(server, call), o => AcceptedNames.Settle(o, Others(o, server), context.Now), CancellationToken.None);
            }
            catch (ApiException gone) when (gone.IsNotFound)
            {
                // Deleted meanwhile.
            }
        }
    }

    private void Serve(JsonObject declared, ServerState server)
    {
        // Under the names that it got, which may not be those that it asks for by now.
        var crd = (JsonObject)declared.DeepClone();
        crd.Object("spec")["names"] = declared.At("status", "acceptedNames")!.DeepClone();
        var (group, plural) = (crd.Text("spec", "group")!, crd.Text("spec", "names", "plural")!);
        var convert = converters.GetValueOrDefault($"{plural}.{group}");
        var objects = Instances(crd, server);
        server.Registry.Set(group, plural, crd.Objects("spec", "versions")
            .Where(static v => v.Item.Flag("served") == true)
            .Select(v => new ServedResource(new CustomResourceKind(crd, v.Item, convert), objects)));
    }

    private static void Unserve(JsonObject crd, ServerState server)
    {
        server.Registry.Set(crd.Text("spec", "group")!, crd.Text("spec", "names", "plural")!, []);
        server.Store.EndWatches(Instances(crd, server));
    }

    private static void DeleteInstances(JsonObject crd, WriteContext context)
    {
        var server = context.Server;
        var storage = StorageVersion(crd)!;
        var (group, plural) = (crd.Text("spec", "group")!, crd.Text("spec", "names", "plural")!);
        var resource = server.Registry.Find(group, storage, plural) ?? server.Registry.All.FirstOrDefault(r => r.Kind.Group == group && r.Kind.Plural == plural);
        if (resource is not null)
        {
            foreach (var instance in resource.Objects.Objects)
            {
                var call = new ResourceCall(new ApiRequest("DELETE", ""), Query.Parse(""), resource, instance.Key.Namespace, instance.Key.Name, null);
                try
                {
                    Deletion.Delete(new WriteContext(server, call), new DeletionOptions { Uid = instance.Header.Uid }, CancellationToken.None);
                }
                catch (ApiException gone) when (gone.IsNotFound || gone.IsConflict)
                {
                    // Another client was faster.
                }
            }
        }

        if (Instances(crd, server).Objects.IsEmpty) Finish(crd.Text("metadata", "name")!, context.Call.Resource, server);
    }

    private static void Finish(string name, ServedResource crds, ServerState server)
    {
        var call = new ResourceCall(new ApiRequest("PATCH", ""), Query.Parse(""), crds, null, name, null);
        try
        {
            DirectUpdate.Apply(new WriteContext(server, call), static crd => RemoveCleanup(crd), CancellationToken.None);
        }
        catch (ApiException gone) when (gone.IsNotFound)
        {
            // The deletion of its last object came here first.
        }
    }

    private static void RemoveCleanup(JsonObject crd)
    {
        var left = crd.Texts("metadata", "finalizers").Where(static f => f != CleanupFinalizer).ToList();
        if (left.Count > 0) crd.Object("metadata")["finalizers"] = left.ToTree();
        else crd.Object("metadata").Remove("finalizers");
    }

    private static Collection Instances(JsonObject crd, ServerState server) => server.Store.Of(crd.Text("spec", "group")!, crd.Text("spec", "names", "plural")!);

    private static string? StorageVersion(JsonObject crd) =>
        crd.Objects("spec", "versions").Where(static v => v.Item.Flag("storage") == true).Select(static v => v.Item.Text("name")).FirstOrDefault();

    private static void DefaultNames(JsonObject names)
    {
        if (names.Text("kind") is not { Length: > 0 } kind) return;
        if (string.IsNullOrEmpty(names.Text("singular"))) names["singular"] = kind.ToLowerInvariant();
        if (string.IsNullOrEmpty(names.Text("listKind"))) names["listKind"] = kind + "List";
    }

    private static void ValidateVersions(JsonObject spec, List<FieldError> errors)
    {
        var versions = spec.Objects("versions").ToList();
        if (versions.Count(static v => v.Item.Flag("storage") == true) != 1)
        {
            errors.Add(FieldError.Invalid("spec.versions", spec["versions"]?.ToJsonString() ?? "null", "must have exactly one version marked as storage version"));
        }

        foreach (var (index, version) in versions)
        {
            var path = $"spec.versions[{index}]";
            if (string.IsNullOrEmpty(version.Text("name"))) errors.Add(FieldError.Required($"{path}.name", ""));
            foreach (var flag in new[] { "served", "storage" })
            {
                if (version.Flag(flag) is null) errors.Add(FieldError.Required($"{path}.{flag}", ""));
            }

            if (version.At("schema", "openAPIV3Schema") is not JsonObject root) errors.Add(FieldError.Required($"{path}.schema.openAPIV3Schema", "schemas are required"));
            else if (spec.Flag("preserveUnknownFields") != true) ValidateSchema(root, $"{path}.schema.openAPIV3Schema", errors);
            foreach (var (place, column) in version.Objects("additionalPrinterColumns"))
            {
                CheckPath(column.Text("jsonPath") ?? "", $"{path}.additionalPrinterColumns[{place}].jsonPath", errors);
            }

            if (version.Members("subresources", "scale") is not { } scale) continue;
            foreach (var member in new[] { "specReplicasPath", "statusReplicasPath" })
            {
                if (string.IsNullOrEmpty(scale.Text(member))) errors.Add(FieldError.Required($"{path}.subresources.scale.{member}", ""));
                else CheckPath(scale.Text(member)!, $"{path}.subresources.scale.{member}", errors);
            }
        }
    }

    /// <summary>Each place of a structural schema says its type, and its patterns can be read.</summary>
    private static void ValidateSchema(JsonObject schema, string path, List<FieldError> errors)
    {
        var typeless = string.IsNullOrEmpty(schema.Text("type"));
        if (typeless && schema.Flag("x-kubernetes-int-or-string") != true && schema.Flag("x-kubernetes-preserve-unknown-fields") != true)
        {
            errors.Add(FieldError.Required($"{path}.type", "must not be empty for specified object fields"));
        }

        if (schema.Text("pattern") is { } pattern)
        {
            try
            {
                _ = new Regex(pattern, RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
            }
            catch (Exception broken) when (broken is ArgumentException or NotSupportedException)
            {
                errors.Add(FieldError.Invalid($"{path}.pattern", $"\"{pattern}\"", $"must be a valid regular expression, but isn't: {broken.Message}"));
            }
        }

        var isResource = path.EndsWith(".openAPIV3Schema", StringComparison.Ordinal) || schema.Flag("x-kubernetes-embedded-resource") == true;
        if (errors.Count == 0 && schema["x-kubernetes-validations"] is JsonArray) ValidationRule.Read(schema, CelSchema.TypeOf(Schema.Read(schema), isResource), path, errors);
        foreach (var (name, property) in schema.Members("properties") ?? [])
        {
            if (property is JsonObject inner) ValidateSchema(inner, $"{path}.properties[{name}]", errors);
        }

        if (schema.Members("items") is { } items) ValidateSchema(items, $"{path}.items", errors);
        if (schema.Members("additionalProperties") is { } additional) ValidateSchema(additional, $"{path}.additionalProperties", errors);
        if (schema.At("default") is { } value && errors.Count == 0)
        {
            foreach (var fault in SchemaValidation.Validate(value, Schema.Read(schema), $"{path}.default")) errors.Add(fault);
        }
    }

    private static void CheckPath(string path, string at, List<FieldError> errors)
    {
        try
        {
            JsonPath.Parse(path);
        }
        catch (FormatException broken)
        {
            errors.Add(FieldError.Invalid(at, $"\"{path}\"", broken.Message));
        }
    }
}
