using System.Collections.Immutable;
using System.Text.Json;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>What a Job does about a failed pod.</summary>
public enum PodFailureAction
{
    /// <summary>The failure counts towards the limits: the rule when none matches.</summary>
    Count,

    /// <summary>The pod is replaced and its failure counts nowhere.</summary>
    Ignore,

    /// <summary>The Job fails at once.</summary>
    FailJob,

    /// <summary>The pod's index fails at once, whatever its limit.</summary>
    FailIndex,
}

/// <summary><c>spec.podFailurePolicy</c>: the first rule that matches a failed pod decides.</summary>
public sealed class PodFailurePolicy
{
    private readonly ImmutableArray<Rule> _rules;

    private PodFailurePolicy(ImmutableArray<Rule> rules) => _rules = rules;

    public static PodFailurePolicy None { get; } = new([]);

    public static PodFailurePolicy Read(JsonElement policy) => new([.. policy.Items("rules").Select(Rule.Read)]);

    /// <param name="message">For a Job that fails: which pod, why, and by which rule, in the Job controller's words.</param>
    public PodFailureAction Decide(PodView pod, out string message)
    {
        message = "";
        for (var i = 0; i < _rules.Length; i++)
        {
            if (_rules[i].Match(pod) is not { } cause) continue;
            if (_rules[i].Action == PodFailureAction.FailJob) message = $"{cause} matching FailJob rule at index {i}";
            return _rules[i].Action;
        }

        return PodFailureAction.Count;
    }

    private sealed record Rule(PodFailureAction Action, ExitCodes? OnExitCodes, ImmutableArray<(string Type, string Status)> OnConditions)
    {
        public static Rule Read(JsonElement rule) => new(
            rule.Text("action") switch
            {
                "FailJob" => PodFailureAction.FailJob,
                "FailIndex" => PodFailureAction.FailIndex,
                "Ignore" => PodFailureAction.Ignore,
                _ => PodFailureAction.Count,
            },
            rule.Has("onExitCodes") ? ExitCodes.Read(rule.At("onExitCodes")) : null,
            [.. rule.Items("onPodConditions").Select(static c => (c.Text("type") ?? "", c.Text("status") ?? "True"))]);

        /// <summary>The cause in words; null where the rule does not match.</summary>
        public string? Match(PodView pod)
        {
            if (OnExitCodes is { } codes) return codes.Match(pod);
            foreach (var (type, status) in OnConditions)
            {
                if (Conditions.Find(pod.Status, type)?.Status == status) return $"Pod {pod.Meta.Key} has condition {type}";
            }

            return null;
        }
    }

    private sealed record ExitCodes(string Container, bool IsIn, ImmutableArray<long> Values)
    {
        public static ExitCodes Read(JsonElement codes) => new(
            codes.Text("containerName") ?? "",
            codes.Text("operator") != "NotIn",
            [.. codes.Items("values").Where(static v => v.ValueKind == JsonValueKind.Number).Select(static v => v.GetInt64())]);

        /// <summary>A container that has ended well matches no rule, not even one that asks for "not in".</summary>
        public string? Match(PodView pod)
        {
            foreach (var status in pod.Status.Items("containerStatuses").Concat(pod.Status.Items("initContainerStatuses")))
            {
                if (Container.Length > 0 && status.Text("name") != Container) continue;
                if (status.Integer("state", "terminated", "exitCode") is not { } code || code == 0) continue;
                if (Values.Contains(code) == IsIn) return $"Container {status.Text("name")} for pod {pod.Meta.Key} failed with exit code {code}";
            }

            return null;
        }
    }
}
