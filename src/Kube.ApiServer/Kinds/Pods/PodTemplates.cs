using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>Pod templates within other kinds: <c>spec.template</c>.</summary>
internal static class PodTemplates
{
    public static void Default(JsonObject obj)
    {
        if (obj.Members("spec", "template") is not { } template) return;
        template.Object("metadata");
        PodSpecDefaults.Apply(template.Object("spec"));
    }

    public static void Validate(JsonObject obj, List<FieldError> errors)
    {
        const string Path = "spec.template";
        if (obj.Members("spec", "template") is not { } template)
        {
            errors.Add(FieldError.Required(Path, ""));
            return;
        }

        ObjectMetadata.Labels(template.At("metadata", "labels"), $"{Path}.labels", errors);
        ObjectMetadata.Annotations(template.At("metadata", "annotations"), $"{Path}.annotations", errors);
        PodSpecRules.Validate(template.Object("spec"), $"{Path}.spec", errors);
    }

    /// <summary>For kinds that keep pods running: their selector must select what their template makes.</summary>
    public static void ValidateSelector(JsonObject obj, List<FieldError> errors)
    {
        var selector = obj.At("spec", "selector");
        if (selector is not JsonObject given || given.Count == 0)
        {
            errors.Add(selector is null ? FieldError.Required("spec.selector", "") : FieldError.Invalid("spec.selector", "{}", "empty selector is invalid for this kind"));
            // No selector selects nothing, so not what the template makes either.
            if (selector is null) errors.Add(Unselected(obj));
            return;
        }

        var labels = obj.TextMap("spec", "template", "metadata", "labels").ToDictionary(StringComparer.Ordinal);
        var parsed = LabelSelector.Read(System.Text.Json.JsonElement.Parse(given.ToUtf8()), "spec.selector", errors);
        if (!parsed.Matches(labels))
        {
            errors.Add(Unselected(obj));
        }
    }

    private static FieldError Unselected(JsonObject obj) =>
        FieldError.Invalid("spec.template.metadata.labels", obj.At("spec", "template", "metadata", "labels")?.ToJsonString() ?? "null", "`selector` does not match template `labels`");

    public static void ValidateAlwaysRestarts(JsonObject obj, List<FieldError> errors)
    {
        if (obj.Text("spec", "template", "spec", "restartPolicy") is { } policy && policy != "Always")
        {
            errors.Add(FieldError.NotSupported("spec.template.spec.restartPolicy", policy, ["Always"]));
        }
    }

    /// <summary>The containers' names and images, for the wide columns.</summary>
    public static TableColumn[] Columns =>
    [
        TableColumn.Wide("Containers", static o => string.Join(',', o.Objects("spec", "template", "spec", "containers").Select(static c => c.Item.Text("name")))),
        TableColumn.Wide("Images", static o => string.Join(',', o.Objects("spec", "template", "spec", "containers").Select(static c => c.Item.Text("image")))),
    ];

    public static TableColumn SelectorColumn => TableColumn.Wide("Selector", static o => PrintSelector(o.At("spec", "selector")));

    public static string PrintSelector(JsonNode? selector)
    {
        if (selector is not JsonObject given) return "<none>";
        var text = LabelSelector.Read(System.Text.Json.JsonElement.Parse(given.ToUtf8()), "", []).ToString();
        return text.Length == 0 ? "<none>" : text;
    }
}
