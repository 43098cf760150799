using System.Collections.Immutable;
using System.Text;
using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;
using Mpi.Operator;

namespace Mpi.Cli;

/// <summary>
/// Whether an operator may do what it must. Old installations grant too little to a new operator (no deletion, no pods, no leases), and
/// what a watch says of that comes late and in pieces; here it is one message, with the rules that are missing.
/// </summary>
public sealed class OperatorRights(KubeClient client)
{
    private static readonly ResourceKind RulesReview = new("authorization.k8s.io", "v1", "SelfSubjectRulesReview", "selfsubjectrulesreviews", Namespaced: false);
    private static readonly ResourceKind AccessReview = new("authorization.k8s.io", "v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews", Namespaced: false);

    private const string Leader = $"{OperatorManifests.Name}-leader";

    /// <summary>The dialects beside kubeflow's whose kinds the cluster serves: an operator without their rights would pass over their jobs without a word.</summary>
    /// <exception cref="ApiException">The server does not say.</exception>
    public async Task<ImmutableArray<string>> ServedAsync(CancellationToken cancellation)
    {
        var served = ImmutableArray.CreateBuilder<string>();
        foreach (var (dialect, _) in OperatorManifests.Dialects)
        {
            var kind = OperatorManifests.JobsOf(dialect);
            try
            {
                // Who may not list a kind is answered alike whether it is served or not; what is served everybody may see.
                if ((await client.ReadAsync($"/apis/{kind.ApiVersion}", cancellation)).Items("resources").Any(r => r.Text("name") == kind.Plural)) served.Add(dialect);
            }
            catch (ApiException e) when (e.IsNotFound)
            {
                // Not even its group.
            }
        }

        return served.ToImmutable();
    }

    /// <summary>The rights that our own manifests give to an operator with these options.</summary>
    /// <param name="dialects">Of <see cref="OperatorManifests.Dialects"/>, those whose jobs it works on.</param>
    public static ImmutableArray<AccessRight> Needed(OperatorOptions options, ImmutableArray<string> dialects)
    {
        var install = new InstallOptions { Overlay = options.Namespace.Length > 0 ? "namespaced" : "standalone", Legacy = options.Conversion is not null, Dialects = dialects };
        // The manifests have roles for users, too.
        ImmutableArray<string> everywhere = [OperatorManifests.Name, .. dialects.Select(OperatorManifests.RoleOf)], names = [.. everywhere, Leader, $"{OperatorManifests.Name}-legacy"];
        return
        [
            .. from role in OperatorManifests.Render(install).Select(static o => KubeObject.From(o))
               where role.Kind is "Role" or "ClusterRole" && names.Contains(role.Meta.Name) && (options.LeaderElection || role.Meta.Name != Leader)
               // What is a Role in every installation is about the operator's own namespace, where its Lease is.
               let scope = role.Kind == "ClusterRole" || everywhere.Contains(role.Meta.Name) ? options.Namespace : options.Lease.Namespace
               from rule in role.Root.Items("rules")
               from right in AccessRule.Read(rule).Rights(scope)
               select right,
        ];
    }

    /// <summary>One request for each namespace, and one for each right that its answer does not show: an authorizer may grant what it cannot list.</summary>
    /// <exception cref="ApiException">The server answers no such question.</exception>
    public async Task<ImmutableArray<AccessRight>> MissingAsync(ImmutableArray<AccessRight> needed, CancellationToken cancellation)
    {
        var missing = ImmutableArray.CreateBuilder<AccessRight>();
        foreach (var scope in needed.GroupBy(static right => right.Namespace))
        {
            // The review wants a namespace. Rights for all namespaces hold in any.
            var review = await AskAsync(RulesReview, new JsonObject { ["namespace"] = scope.Key.Length > 0 ? scope.Key : "default" }, cancellation);
            var rules = review.Root.Items("status", "resourceRules").Select(AccessRule.Read).ToList();
            foreach (var right in scope.Where(right => !rules.Exists(rule => rule.Allows(right))))
            {
                if (!await IsAllowedAsync(right, cancellation)) missing.Add(right);
            }
        }

        return missing.ToImmutable();
    }

    /// <summary>The message; null where nothing is missing.</summary>
    public static string? Text(ImmutableArray<AccessRight> missing)
    {
        if (missing.IsEmpty) return null;
        var text = new StringBuilder("it lacks rights, and without them jobs stay undone. Missing");
        foreach (var scope in missing.GroupBy(static right => right.Namespace).OrderBy(static of => of.Key, StringComparer.Ordinal))
        {
            text.Append(scope.Key.Length > 0 ? $", in namespace {scope.Key}" : ", in the whole cluster").Append(":\n");
            var rules = scope.GroupBy(static right => (right.Group, right.Resource, right.Name)).Select(static of => (of.Key.Group, of.Key.Resource, of.Key.Name, Verbs: string.Join(", ", of.Select(static right => right.Verb))));
            foreach (var rule in rules.GroupBy(static rule => (rule.Group, rule.Name, rule.Verbs)))
            {
                var names = rule.Key.Name is { } name ? $", resourceNames: [{name}]" : "";
                text.Append($"  - {{ apiGroups: [\"{rule.Key.Group}\"], resources: [{string.Join(", ", rule.Select(static r => r.Resource))}]{names}, verbs: [{rule.Key.Verbs}] }}\n");
            }

            text.Append("and");
        }

        text.Length -= "\nand".Length;
        return text.Append("\nTo mend it, add these rules to a role of the operator's ServiceAccount, or let kubempi install bring all that the operator needs, with --profile and --dialect for what it serves (docs/install.md).").ToString();
    }

    private async Task<bool> IsAllowedAsync(AccessRight right, CancellationToken cancellation)
    {
        var attributes = new JsonObject { ["group"] = right.Group, ["resource"] = right.Plural, ["verb"] = right.Verb };
        if (right.Namespace.Length > 0) attributes["namespace"] = right.Namespace;
        if (right.Subresource is { } subresource) attributes["subresource"] = subresource;
        if (right.Name is { } name) attributes["name"] = name;
        return (await AskAsync(AccessReview, new JsonObject { ["resourceAttributes"] = attributes }, cancellation)).Root.Flag("status", "allowed") == true;
    }

    private Task<KubeObject> AskAsync(ResourceKind review, JsonObject spec, CancellationToken cancellation) =>
        client.CreateAsync(review, KubeObject.From(new JsonObject { ["apiVersion"] = review.ApiVersion, ["kind"] = review.Kind, ["spec"] = spec }), cancellation);
}
