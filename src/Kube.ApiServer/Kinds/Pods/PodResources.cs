using System.Text.Json.Nodes;

namespace Kube.ApiServer;

/// <summary>
/// What a pod as a whole asks for: its containers together, or a step of its initialisation where that needs more. Sidecars
/// (init containers that always restart) count beside both (<c>k8s.io/component-helpers/resource</c>).
/// </summary>
internal static class PodResources
{
    public static Amounts Requests(JsonObject pod) => Of(pod, "requests");

    public static Amounts Limits(JsonObject pod) => Of(pod, "limits");

    private static Amounts Of(JsonObject pod, string side)
    {
        var spec = pod["spec"];
        var together = new Amounts();
        foreach (var (_, container) in spec.Objects("containers")) together.Add(Amounts.Read(container.At("resources", side)));
        var (sidecars, peak) = (new Amounts(), new Amounts());
        foreach (var (_, container) in spec.Objects("initContainers"))
        {
            var own = Amounts.Read(container.At("resources", side));
            if (container.Text("restartPolicy") == "Always")
            {
                sidecars.Add(own);
                peak.RaiseTo(sidecars);
                continue;
            }

            own.Add(sidecars);
            peak.RaiseTo(own);
        }

        together.Add(sidecars);
        together.RaiseTo(peak);
        foreach (var (name, extra) in Amounts.Read(spec.At("overhead")))
        {
            // Overhead without a limit stays unlimited.
            if (side == "requests" || together.ContainsKey(name)) together[name] = together.Of(name) + extra;
        }

        return together;
    }
}
