using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>
/// A pod names a priority class, or gets the default one; its number and preemption policy are the class's. At most one class
/// is the default, and the system's two classes stay.
/// </summary>
internal sealed class PriorityRule : AdmissionRule
{
    private const string PreemptLower = "PreemptLowerPriority";

    public override void Admit(JsonObject obj, WriteContext context)
    {
        if (context.Kind == Kinds.Pod) Resolve(obj.Object("spec"), obj.Text("metadata", "name") ?? "", context);
    }

    /// <summary>A manifest that is put in a pod's place need not know what its class was worth.</summary>
    public override void AdmitUpdate(JsonObject obj, JsonObject old, WriteContext context)
    {
        if (context.Kind != Kinds.Pod) return;
        foreach (var member in new[] { "priority", "preemptionPolicy" })
        {
            if (old.At("spec", member) is { } resolved && obj.At("spec", member) is null) obj.Object("spec")[member] = resolved.DeepClone();
        }
    }

    public override void Check(JsonObject obj, WriteContext context) => CheckDefault(obj, context);

    public override void CheckUpdate(JsonObject obj, JsonObject old, WriteContext context) => CheckDefault(obj, context);

    public override void CheckDeletion(JsonObject obj, WriteContext context)
    {
        if (context.Kind == Kinds.PriorityClass && SystemPriorityClasses.IsSystem(context.Call.Name!))
        {
            throw Failures.Forbidden(context.Kind, context.Call.Name!, "this is a system priority class and cannot be deleted");
        }
    }

    private static void Resolve(JsonObject spec, string pod, WriteContext context)
    {
        var found = Class(spec, pod, context);
        var priority = found.Integer("value") ?? 0;
        var preemption = found.Text("preemptionPolicy") ?? PreemptLower;
        if (spec.Integer("priority") is { } number && number != priority)
        {
            throw Failures.Forbidden(Kinds.Pod, pod,
                $"the integer value of priority ({number}) must not be provided in pod spec; priority admission controller computed {priority} from the given PriorityClass name");
        }

        if (spec.Text("preemptionPolicy") is { Length: > 0 } policy && policy != preemption)
        {
            throw Failures.Forbidden(Kinds.Pod, pod,
                $"the string value of PreemptionPolicy ({policy}) must not be provided in pod spec; priority admission controller computed {preemption} from the given PriorityClass name");
        }

        if (found is not null) spec["priorityClassName"] = found.Text("metadata", "name");
        spec["priority"] = priority;
        spec["preemptionPolicy"] = preemption;
    }

    private static JsonObject? Class(JsonObject spec, string pod, WriteContext context)
    {
        var classes = context.Server.Objects(Kinds.PriorityClass);
        if (spec.Text("priorityClassName") is { Length: > 0 } name)
        {
            return classes.Find(new ObjectKey("", name)) is { } stored
                ? JsonTree.Read(stored.Utf8)
                : throw Failures.Forbidden(Kinds.Pod, pod, $"no PriorityClass with name {name} was found");
        }

        // Two defaults can only come from two writes at once; the lower one is then the careful choice.
        return Defaults(classes).MinBy(static c => c.Integer("value") ?? 0);
    }

    private static void CheckDefault(JsonObject obj, WriteContext context)
    {
        if (context.Kind != Kinds.PriorityClass || obj.Flag("globalDefault") != true) return;
        var name = obj.Text("metadata", "name")!;
        var other = Defaults(context.Server.Objects(Kinds.PriorityClass)).Select(static c => c.Text("metadata", "name")).FirstOrDefault(n => n != name);
        if (other is not null) throw Failures.Forbidden(context.Kind, name, $"PriorityClass {other} is already marked as default. Only one default can exist");
    }

    private static IEnumerable<JsonObject> Defaults(Collection classes) =>
        classes.Objects.Select(static c => JsonTree.Read(c.Utf8)).Where(static c => c.Flag("globalDefault") == true);
}

/// <summary>The two classes that every cluster has.</summary>
internal static class SystemPriorityClasses
{
    public const string ClusterCritical = "system-cluster-critical";
    public const string NodeCritical = "system-node-critical";

    public static bool IsSystem(string name) => name is ClusterCritical or NodeCritical;

    public static IEnumerable<JsonObject> All =>
    [
        Class(ClusterCritical, 2_000_000_000, "For pods that the cluster needs, on whichever node."),
        Class(NodeCritical, 2_000_001_000, "For pods that their own node needs."),
    ];

    private static JsonObject Class(string name, long value, string description) => new()
    {
        ["apiVersion"] = Kinds.PriorityClass.ApiVersion,
        ["kind"] = Kinds.PriorityClass.Kind,
        ["metadata"] = new JsonObject { ["name"] = name },
        ["value"] = value,
        ["description"] = description,
    };
}
