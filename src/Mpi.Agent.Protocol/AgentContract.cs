namespace Mpi.Agent.Protocol;

/// <summary>What the operator, which writes the init containers, and the agent, which runs in them, must agree on.</summary>
public static class AgentContract
{
    /// <summary>Where the agent's own image has the program.</summary>
    public const string ImagePath = "/kubempi-agent";

    /// <summary>The name under which <c>deliver DIR</c> puts the program into a folder.</summary>
    public const string FileName = "kubempi-agent";

    /// <summary>Role: put this program into a folder that other containers mount.</summary>
    public const string DeliverRole = "deliver";

    /// <summary>Role: wait until every worker is proven reachable.</summary>
    public const string GateRole = "gate";

    /// <summary>
    /// The line with which the operator ends <c>discover_hosts.sh</c> when all workers run and a gate still waits: only then
    /// does the gate's time limit start where DNS never learns the workers' names. A comment to the shell that runs the script.
    /// </summary>
    public const string AllWorkersRunNotice = "# kubempi: all workers run";

    /// <summary>
    /// Set by a cluster whose pods can run a program of the machine (the local cluster): the absolute path, valid in every
    /// pod, of a program that takes a role as its first argument. <c>deliver</c> then links to it rather than copying itself.
    /// </summary>
    public const string CommandVariable = "KUBEMPI_AGENT_COMMAND";

    /// <summary>Overrides where reports go; by default the kubelet's <see cref="TerminationLogPath"/>.</summary>
    public const string TerminationLogVariable = "KUBEMPI_TERMINATION_LOG";

    public const string TerminationLogPath = "/dev/termination-log";

    /// <summary>Bytes that the kubelet keeps of one container's termination message.</summary>
    public const int TerminationMessageLimit = 4096;
}
