using System.Text.Json.Nodes;

namespace Kube.ApiServer;

/// <summary>Which container of a pod a request means.</summary>
internal static class PodContainers
{
    /// <summary>
    /// The one that is asked for, or the only one. (The annotation <c>kubectl.kubernetes.io/default-container</c> is kubectl's own: it
    /// asks for that container by name.)
    /// </summary>
    /// <exception cref="Kube.Types.ApiException">There is no such container, or several to choose from.</exception>
    public static string Choose(JsonObject pod, ResourceCall call)
    {
        var init = pod.Objects("spec", "initContainers").Select(static c => c.Item.Text("name")!);
        var main = pod.Objects("spec", "containers").Select(static c => c.Item.Text("name")!).ToList();
        List<string> all = [.. init, .. main];
        var asked = call.Query.Text("container");
        if (asked.Length > 0) return all.Contains(asked) ? asked : throw Failures.BadRequest($"container {asked} is not valid for pod {call.Name}");
        return main.Count == 1 ? main[0] : throw Failures.BadRequest($"a container name must be specified for pod {call.Name}, choose one of: [{string.Join(' ', all)}]");
    }
}
