using System.Collections.Immutable;
using System.Text.Json.Nodes;

namespace Kube.ApiServer;

/// <summary>
/// A rule about new and deleted objects that needs to see other objects; in kube-apiserver an admission plugin. What can be
/// said of an object alone stands in its <see cref="KindStrategy"/>.
/// </summary>
internal abstract class AdmissionRule
{
    /// <summary>Completes a new object, before the rules of its kind are asked.</summary>
    public virtual void Admit(JsonObject obj, WriteContext context) { }

    /// <summary>Completes a changed object, before the rules of its kind are asked. Changes of a subresource pass by.</summary>
    public virtual void AdmitUpdate(JsonObject obj, JsonObject old, WriteContext context) { }

    /// <summary>Refuses a new object that is valid in itself.</summary>
    public virtual void Check(JsonObject obj, WriteContext context) { }

    /// <summary>Refuses a change that is valid in itself.</summary>
    public virtual void CheckUpdate(JsonObject obj, JsonObject old, WriteContext context) { }

    public virtual void CheckDeletion(JsonObject obj, WriteContext context) { }
}

/// <summary>
/// All rules, in kube-apiserver's order. Quotas come last of all and are counted together with the commit: see
/// <see cref="QuotaLedger"/>.
/// </summary>
internal static class Admission
{
    private static readonly ImmutableArray<AdmissionRule> Rules =
        [new NamespaceLifecycle(), new LimitRanger(), new ServiceAccountRule(), new PodSecurityRule(), new PriorityRule(), new DefaultTolerationSeconds()];

    public static void Admit(JsonObject obj, WriteContext context)
    {
        foreach (var rule in Rules) rule.Admit(obj, context);
    }

    public static void AdmitUpdate(JsonObject obj, JsonObject old, WriteContext context)
    {
        foreach (var rule in Rules) rule.AdmitUpdate(obj, old, context);
    }

    public static void Check(JsonObject obj, WriteContext context)
    {
        foreach (var rule in Rules) rule.Check(obj, context);
    }

    public static void CheckUpdate(JsonObject obj, JsonObject old, WriteContext context)
    {
        foreach (var rule in Rules) rule.CheckUpdate(obj, old, context);
    }

    public static void CheckDeletion(JsonObject obj, WriteContext context)
    {
        foreach (var rule in Rules) rule.CheckDeletion(obj, context);
    }
}
