using System.Text.Json;
using Kube.Types;

namespace Mpi.Dialects;

/// <summary>
/// Checks the parts of a pod template that rendering touches: what is no list or no map there would be lost silently. All
/// else in a template is the API server's to judge, and fields that nobody here has heard of stay.
/// </summary>
internal static class PodTemplateReader
{
    private static readonly (string Member, JsonValueKind Kind)[] PodMembers =
    [
        ("volumes", JsonValueKind.Array),
        ("initContainers", JsonValueKind.Array),
        ("dnsConfig", JsonValueKind.Object),
        ("securityContext", JsonValueKind.Object),
        ("tolerations", JsonValueKind.Array),
        ("schedulingGates", JsonValueKind.Array),
    ];

    private static readonly (string Member, JsonValueKind Kind)[] ContainerMembers =
    [
        ("env", JsonValueKind.Array),
        ("envFrom", JsonValueKind.Array),
        ("volumeMounts", JsonValueKind.Array),
        ("resources", JsonValueKind.Object),
        ("securityContext", JsonValueKind.Object),
    ];

    public static void Check(JsonElement template, string path, FieldReader reader)
    {
        var metadata = reader.Object(template, "metadata", $"{path}.metadata", "Write labels and annotations under metadata.");
        CheckTextMap(metadata, "labels", $"{path}.metadata.labels", reader);
        CheckTextMap(metadata, "annotations", $"{path}.metadata.annotations", reader);

        var spec = template.At("spec");
        CheckMembers(spec, PodMembers, $"{path}.spec", reader);
        CheckTextMap(spec, "nodeSelector", $"{path}.spec.nodeSelector", reader);
        CheckTexts(spec.At("dnsConfig"), "searches", $"{path}.spec.dnsConfig.searches", reader);
        reader.Flag(spec, "hostNetwork", $"{path}.spec.hostNetwork");
        reader.Text(spec, "restartPolicy", $"{path}.spec.restartPolicy");
        reader.Int64(spec.At("securityContext"), "runAsUser", $"{path}.spec.securityContext.runAsUser");

        var index = 0;
        foreach (var container in spec.Items("containers")) CheckContainer(container, $"{path}.spec.containers[{index++}]", reader);
    }

    private static void CheckContainer(JsonElement container, string path, FieldReader reader)
    {
        if (container.ValueKind != JsonValueKind.Object)
        {
            reader.Fault(container, path, "must be an object", "Write a container with name and image.");
            return;
        }

        if (reader.Text(container, "name", $"{path}.name") is null or "" && container.At("name").ValueKind is JsonValueKind.Undefined or JsonValueKind.Null or JsonValueKind.String)
        {
            reader.Add(FieldError.Required($"{path}.name", "must have a name", "Give the container a name."));
        }

        CheckTexts(container, "command", $"{path}.command", reader);
        CheckTexts(container, "args", $"{path}.args", reader);
        CheckMembers(container, ContainerMembers, path, reader);
        var index = 0;
        foreach (var variable in container.Items("env"))
        {
            var at = $"{path}.env[{index++}]";
            if (variable.ValueKind == JsonValueKind.Object) reader.Text(variable, "value", $"{at}.value");
            else reader.Fault(variable, at, "must be an object", "Write name and value.");
        }

        reader.Int64(container.At("securityContext"), "runAsUser", $"{path}.securityContext.runAsUser");
    }

    private static void CheckMembers(JsonElement parent, (string Member, JsonValueKind Kind)[] members, string path, FieldReader reader)
    {
        foreach (var (member, kind) in members)
        {
            var value = parent.At(member);
            if (FieldReader.IsAbsent(value) || value.ValueKind == kind) continue;
            var what = kind == JsonValueKind.Array ? "a list" : "an object";
            reader.Fault(value, $"{path}.{member}", $"must be {what}", $"Write {member} as {what}.");
        }
    }

    private static void CheckTexts(JsonElement parent, string member, string path, FieldReader reader)
    {
        var list = parent.At(member);
        if (FieldReader.IsAbsent(list)) return;
        if (list.ValueKind != JsonValueKind.Array)
        {
            reader.Fault(list, path, "must be a list", $"Write {member} as a list, such as [\"a\", \"b\"].");
            return;
        }

        var index = 0;
        foreach (var item in list.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.String) reader.Fault(item, $"{path}[{index}]", "must be a string", FieldReader.QuoteIt(item));
            index++;
        }
    }

    private static void CheckTextMap(JsonElement parent, string member, string path, FieldReader reader)
    {
        var map = reader.Object(parent, member, path, $"Write {member} as key: value lines.");
        foreach (var entry in map.Members())
        {
            if (entry.Value.ValueKind != JsonValueKind.String) reader.Fault(entry.Value, $"{path}[{entry.Name}]", "must be a string", FieldReader.QuoteIt(entry.Value));
        }
    }
}
