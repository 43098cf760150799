using System.Collections.Immutable;
using Kube.Nodes.Virtual;
using Mpi.Agent.Protocol;
using Mpi.Agent.Roles;

namespace Simulation;

/// <summary>What the containers of a job's pods do, by the transport between them.</summary>
internal interface IPodRoles
{
    /// <summary>Under which the pod is called.</summary>
    string Name { get; }

    /// <summary>Whether the pod is the launcher's.</summary>
    bool Leads { get; }

    /// <summary>Since when what a gate says of a worker, that it was reached, may be true: a proof may be as old as its gate, or must hold still.</summary>
    DateTimeOffset ProofsHoldFrom(DateTimeOffset gate);

    Task<GateReport> WaitInGateAsync(ImmutableArray<string> hosts, GateOptions options, Func<bool> allRun);

    /// <summary>The launcher's container, from the start of its command to the end.</summary>
    Task<ContainerRun> LeadAsync();

    Task<ContainerRun> ServeAsync();
}
