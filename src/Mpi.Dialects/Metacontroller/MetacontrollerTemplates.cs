using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Dialects;

/// <summary>
/// The two pod templates that one template stands for (spec 5): what the hook generated, under what the user wrote. Lists were merged by
/// position there; what of that was meant is kept (the first container is the user's, named and imaged by default), what it broke is not.
/// </summary>
internal static class MetacontrollerTemplates
{
    /// <param name="withResources">Whether the launcher asks for what each worker asks for, as it always did.</param>
    public static JsonElement Launcher(JsonElement template, string? image, bool withResources)
    {
        var (tree, container) = Open(template, "test1", image);
        ((JsonObject)tree["spec"]!).Remove("restartPolicy");
        if (!withResources) container.Remove("resources");
        return JsonElement.Parse(tree.ToUtf8(), JsonLimits.Options);
    }

    /// <param name="apartFrom">In daemon mode the label value of the workers that this one shares no node with.</param>
    public static JsonElement Worker(JsonElement template, string? image, string? apartFrom)
    {
        var (tree, container) = Open(template, "mpiexecutor", image);
        // Only the first is idled: another one's command is its own.
        container.Remove("command");
        container.Remove("args");
        if (apartFrom is not null) KeepApart((JsonObject)tree["spec"]!, apartFrom);
        return JsonElement.Parse(tree.ToUtf8(), JsonLimits.Options);
    }

    private static (JsonObject Template, JsonObject Container) Open(JsonElement template, string name, string? image)
    {
        var tree = (JsonObject)template.ToTree()!;
        var containers = tree.Object("spec").Array("containers");
        var users = (JsonObject)containers[0]!;
        var container = new JsonObject { ["name"] = name, ["imagePullPolicy"] = "IfNotPresent" };
        if (image is not null) container["image"] = image;
        foreach (var (member, value) in users) container[member] = value?.DeepClone();
        containers[0] = container;
        return (tree, container);
    }

    /// <summary>Behind the user's own terms, none of which it changes.</summary>
    private static void KeepApart(JsonObject podSpec, string workers) => podSpec.Object("affinity").Object("podAntiAffinity").Array("requiredDuringSchedulingIgnoredDuringExecution").Add((JsonNode)new JsonObject
    {
        ["labelSelector"] = new JsonObject
        {
            ["matchExpressions"] = new JsonArray((JsonNode)new JsonObject { ["key"] = MetacontrollerProfile.WorkersOf, ["operator"] = "In", ["values"] = new JsonArray(workers) }),
        },
        ["topologyKey"] = "kubernetes.io/hostname",
    });
}
