using Kube.Types;

namespace Kube.ApiServer;

/// <summary>The kinds that are always served: one line a kind.</summary>
internal static class BuiltInKinds
{
    public static void Register(ServerState state)
    {
        foreach (var strategy in All(state.Options)) Serve(state, strategy);
        var events = new EventsV1Kind(new EventKind());
        state.Registry.Set(events.Kind.Group, events.Kind.Plural, [new ServedResource(events, state.Objects(Kinds.Event))]);
        SystemObjects.Create(state);
    }

    private static KindStrategy[] All(ApiServerOptions options) =>
    [
        new PodKind(),
        new ServiceKind(new ServiceAddresses()),
        new EndpointsKind(),
        new ConfigMapKind(),
        new SecretKind(),
        new ServiceAccountKind(),
        new EventKind(),
        new NamespaceKind(),
        new NodeKind(),
        new PersistentVolumeClaimKind(),
        new ResourceQuotaKind(),
        new LimitRangeKind(),
        new JobKind(),
        new StatefulSetKind(),
        new DeploymentKind(),
        new ReplicaSetKind(),
        new ControllerRevisionKind(),
        new EndpointSliceKind(),
        new LeaseKind(),
        new RoleKind(Kinds.Role),
        new RoleBindingKind(Kinds.RoleBinding, ["Role", "ClusterRole"]),
        new RoleKind(Kinds.ClusterRole),
        new RoleBindingKind(Kinds.ClusterRoleBinding, ["ClusterRole"]),
        new PriorityClassKind(),
        new WorkloadKind(),
        new PodGroupKind(),
        new PodDisruptionBudgetKind(),
        new CustomResourceDefinitionKind(options.Converters),
    ];

    private static void Serve(ServerState state, KindStrategy strategy)
    {
        var kind = strategy.Kind;
        state.Registry.Set(kind.Group, kind.Plural, [new ServedResource(strategy, state.Store.Of(kind.Group, kind.Plural))]);
    }
}
