using System.Globalization;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>
/// LimitRanges: what containers get that name no amount, and the bounds of containers, pods and claims. The words are those of
/// the admission plugin of the same name, which users meet in the events of their Jobs.
/// </summary>
internal sealed class LimitRanger : AdmissionRule
{
    private const string Annotation = "kubernetes.io/limit-ranger";

    public override void Admit(JsonObject obj, WriteContext context)
    {
        if (context.Kind != Kinds.Pod) return;
        foreach (var range in Ranges(context)) FillIn(obj, range);
    }

    public override void Check(JsonObject obj, WriteContext context)
    {
        if (context.Kind != Kinds.Pod && context.Kind != Kinds.PersistentVolumeClaim) return;
        foreach (var range in Ranges(context))
        {
            var faults = new List<string>();
            foreach (var (_, limit) in range.Objects("spec", "limits"))
            {
                if (context.Kind == Kinds.PersistentVolumeClaim) CheckClaim(obj, limit, faults);
                else CheckPod(obj, limit, faults);
            }

            var all = faults.Distinct(StringComparer.Ordinal).ToList();
            if (all.Count > 0) throw Failures.Forbidden(context.Kind, obj.Text("metadata", "name") ?? "", all.Count == 1 ? all[0] : $"[{string.Join(", ", all)}]");
        }
    }

    private static IEnumerable<JsonObject> Ranges(WriteContext context)
    {
        var ranges = context.Server.Objects(Kinds.LimitRange);
        if (ranges.Objects.IsEmpty) return [];
        return context.Server.Store.Read(ranges).Range(context.Call.Namespace, null).Select(static r => JsonTree.Read(r.Utf8));
    }

    private static void FillIn(JsonObject pod, JsonObject range)
    {
        var (requests, limits) = (new Amounts(), new Amounts());
        foreach (var (_, limit) in range.Objects("spec", "limits").Where(static l => l.Item.Text("type") == "Container"))
        {
            requests.Add(Amounts.Read(limit["defaultRequest"]));
            limits.Add(Amounts.Read(limit["default"]));
        }

        var notes = new List<string>();
        foreach (var (list, word) in new[] { ("containers", "container"), ("initContainers", "init container") })
        {
            foreach (var (_, container) in pod.Objects("spec", list))
            {
                FillIn(container, "requests", requests, $"request for {word} {container.Text("name")}", notes);
                FillIn(container, "limits", limits, $"limit for {word} {container.Text("name")}", notes);
            }
        }

        if (notes.Count > 0) pod.Object("metadata").Object("annotations")[Annotation] = $"LimitRanger plugin set: {string.Join("; ", notes)}";
    }

    private static void FillIn(JsonObject container, string side, Amounts defaults, string note, List<string> notes)
    {
        var missing = defaults.Where(d => container.At("resources", side, d.Key) is null).ToList();
        if (missing.Count == 0) return;
        foreach (var (name, amount) in missing) container.Object("resources").Object(side)[name] = amount.ToString();
        notes.Add($"{string.Join(", ", missing.Select(static m => m.Key))} {note}");
    }

    private static void CheckPod(JsonObject pod, JsonObject limit, List<string> faults)
    {
        switch (limit.Text("type"))
        {
            case "Container":
                foreach (var (_, container) in pod.Objects("spec", "containers").Concat(pod.Objects("spec", "initContainers")))
                {
                    Check("Container", limit, Amounts.Read(container.At("resources", "requests")), Amounts.Read(container.At("resources", "limits")), faults);
                }

                break;
            case "Pod":
                Check("Pod", limit, PodResources.Requests(pod), PodResources.Limits(pod), faults);
                break;
        }
    }

    private static void CheckClaim(JsonObject claim, JsonObject limit, List<string> faults)
    {
        const string Type = "PersistentVolumeClaim";
        if (limit.Text("type") != Type) return;
        var requests = Amounts.Read(claim.At("spec", "resources", "requests"));
        foreach (var (name, min) in Amounts.Read(limit["min"])) faults.AddRange(Below(Type, name, min, requests, []));
        foreach (var (name, max) in Amounts.Read(limit["max"]))
        {
            if (!requests.TryGetValue(name, out var asked)) faults.Add($"maximum {name} usage per {Type} is {max}.  No request is specified");
            else if (asked > max) faults.Add($"maximum {name} usage per {Type} is {max}, but request is {asked}");
        }
    }

    private static void Check(string type, JsonObject limit, Amounts requests, Amounts limits, List<string> faults)
    {
        foreach (var (name, min) in Amounts.Read(limit["min"])) faults.AddRange(Below(type, name, min, requests, limits));
        foreach (var (name, max) in Amounts.Read(limit["max"])) faults.AddRange(Above(type, name, max, requests, limits));
        foreach (var (name, ratio) in Amounts.Read(limit["maxLimitRequestRatio"])) faults.AddRange(OutOfRatio(type, name, ratio, requests, limits));
    }

    private static IEnumerable<string> Below(string type, string name, Quantity min, Amounts requests, Amounts limits)
    {
        if (!requests.TryGetValue(name, out var request)) yield return $"minimum {name} usage per {type} is {min}.  No request is specified";
        else if (request < min) yield return $"minimum {name} usage per {type} is {min}, but request is {request}";
        else if (limits.TryGetValue(name, out var limit) && limit < min) yield return $"minimum {name} usage per {type} is {min}, but limit is {limit}";
    }

    private static IEnumerable<string> Above(string type, string name, Quantity max, Amounts requests, Amounts limits)
    {
        if (!limits.TryGetValue(name, out var limit)) yield return $"maximum {name} usage per {type} is {max}.  No limit is specified";
        else if (limit > max) yield return $"maximum {name} usage per {type} is {max}, but limit is {limit}";
        else if (requests.TryGetValue(name, out var request) && request > max) yield return $"maximum {name} usage per {type} is {max}, but request is {request}";
    }

    private static IEnumerable<string> OutOfRatio(string type, string name, Quantity most, Amounts requests, Amounts limits)
    {
        var rule = $"{name} max limit to request ratio per {type} is {most}";
        if (requests.Of(name).IsZero)
        {
            yield return $"{rule}, but no request is specified or request is 0";
        }
        else if (limits.Of(name).IsZero)
        {
            yield return $"{rule}, but no limit is specified or limit is 0";
        }
        else
        {
            var ratio = (double)limits.Of(name).MilliUnits / requests.Of(name).MilliUnits;
            if (ratio * 1000 > most.MilliUnits) yield return $"{rule}, but provided ratio is {ratio.ToString("F6", CultureInfo.InvariantCulture)}";
        }
    }
}
