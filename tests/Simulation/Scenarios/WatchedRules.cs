using Mpi.Operator;
using Mpi.Planning;
using Mpi.Testing;

namespace Simulation;

/// <summary>Looks on while an operator decides: what it planned, and whether the same observation gives the same plan again.</summary>
internal sealed class WatchedRules(Coverage? coverage)
{
    /// <summary>Each so many decisions one is made twice.</summary>
    private const int Sample = 7;

    private int _decisions;

    /// <summary>Set when a plan was no function of what was observed.</summary>
    public ViolationException? Impure { get; private set; }

    public OperatorParts Watch(OperatorParts parts)
    {
        var decide = parts.Decide;
        return parts with
        {
            Decide = seen =>
            {
                var plan = decide(seen);
                coverage?.Add(plan);
                if (++_decisions % Sample == 0 && Text(plan) is var text && Text(decide(seen)) is var again && text != again) Impure ??= new ViolationException("PlansArePure", $"{text}{Environment.NewLine}and then{Environment.NewLine}{again}");
                return plan;
            },
        };
    }

    private static string Text(Plan plan) => string.Join(
        Environment.NewLine,
        [.. plan.Actions.Select(Text), .. plan.Confirm.Select(static c => $"confirm {c}"), plan.Status?.ToJsonString() ?? "", .. plan.Events.Select(static e => e.ToString()), .. plan.Counters.Select(static c => c.ToString()), plan.RevisitAt?.ToString("O") ?? ""]);

    private static string Text(PlanAction action) => action switch
    {
        PlanAction.Create create => $"create {create.Manifest.ToJsonString()}",
        PlanAction.CreateKeys keys => $"create {keys.SecretWithoutData.ToJsonString()}",
        PlanAction.Patch patch => $"patch {patch.Kind} {patch.Key} {patch.MergePatch.ToJsonString()}",
        _ => action.ToString(),
    };
}
