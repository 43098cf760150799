namespace Mpi.Agent.Protocol;

/// <summary>What the operator, which writes the init containers, and the agent, which runs in them, must agree on.</summary>
public static class AgentContract
{
    /// <summary>Where the agent's own image has the program.</summary>
    public const string ImagePath = "/kubempi-agent";

    /// <summary>Where containers have the volume into which the program is delivered.</summary>
    public const string MountPath = "/kubempi";

    /// <summary>What MPI's launchers are told to call instead of ssh.</summary>
    public const string RemoteShellPath = $"{MountPath}/{RemoteShellFileName}";

    /// <summary>The same where workers have no agent and commands run in them through the Kubernetes API (transport exec).</summary>
    public const string ExecShellPath = $"{MountPath}/{ExecShellFileName}";

    /// <summary>A folder that any user may write to, as <c>/tmp</c>: for images whose own is read-only.</summary>
    public const string TemporaryFolder = $"{MountPath}/{TemporaryFolderName}";
    public const string TemporaryFolderName = "tmp";

    /// <summary>The name under which <c>deliver DIR</c> puts the program into a folder.</summary>
    public const string FileName = "kubempi-agent";

    /// <summary>Role: put this program into a folder that other containers mount.</summary>
    public const string DeliverRole = "deliver";

    /// <summary>Role: wait until every worker is proven reachable.</summary>
    public const string GateRole = "gate";

    /// <summary>Role: a worker's main process, which dials the launcher and runs what that asks for.</summary>
    public const string WorkerRole = "worker";

    /// <summary>
    /// Role: the main process of every pod of a job whose pods are all alike; the words behind the path of the script that named it are the job's
    /// command. In the pod that <see cref="LauncherVariable"/> names it runs that command, in the others it is a worker until the command has ended.
    /// </summary>
    public const string MemberRole = "member";

    /// <summary>Role: what MPI's launchers call instead of ssh; its first argument is the path of the script that named it.</summary>
    public const string RemoteShellRole = "remote-shell";

    /// <summary>Role: as <see cref="RemoteShellRole"/>, through the API's <c>pods/exec</c>.</summary>
    public const string ExecShellRole = "exec-shell";

    /// <summary>Role: holds the workers' connections in the launcher's container; the first remote-shell call starts it.</summary>
    public const string LauncherRole = "launcher";

    /// <summary>The name under which <c>deliver DIR</c> puts the remote-shell program beside the agent.</summary>
    public const string RemoteShellFileName = "kubempi-rsh";

    /// <inheritdoc cref="RemoteShellFileName"/>
    public const string ExecShellFileName = "kubempi-exec";

    /// <summary>For <see cref="ExecShellRole"/> and its gate: the name of the workers' container 0.</summary>
    public const string ExecContainerVariable = "KUBEMPI_EXEC_CONTAINER";

    /// <summary>Where the launcher listens and workers dial, but for launchers on a node's own network, which share its ports.</summary>
    public const int DefaultPort = 22722;

    /// <summary>Where containers have their side's credentials.</summary>
    public const string CredentialsMountPath = "/kubempi-credentials";

    /// <summary>In a folder of credentials: the side's own certificate and key, and the other side's certificate; PEM.</summary>
    public const string CertificateFile = "own.crt";
    public const string KeyFile = "own.key";
    public const string PeerFile = "peer.crt";

    /// <summary>Folders below, in pods that may be either side.</summary>
    public const string LauncherCredentials = "launcher";
    public const string WorkerCredentials = "worker";

    /// <summary>The folder of credentials.</summary>
    public const string CredentialsVariable = "KUBEMPI_AGENT_CREDENTIALS";

    /// <summary>For remote-shell programs: the volume that holds the agent; absent, it is the folder of their script.</summary>
    public const string DirectoryVariable = "KUBEMPI_AGENT_DIRECTORY";

    /// <summary>The pod's name: under it a worker is called.</summary>
    public const string NameVariable = "KUBEMPI_AGENT_NAME";

    /// <summary>The port on which the launcher's side listens.</summary>
    public const string PortVariable = "KUBEMPI_AGENT_PORT";

    /// <summary>For workers: the address of the job's agent Service, without port; absent where there is none.</summary>
    public const string ServiceVariable = "KUBEMPI_AGENT_SERVICE";

    /// <summary>For workers: the launcher pod's name in DNS, asked where the Service does not answer.</summary>
    public const string LauncherVariable = "KUBEMPI_AGENT_LAUNCHER";

    /// <summary>For members: the job's hostfile, by which the launcher knows whom to tell that its command has ended.</summary>
    public const string HostfileVariable = "KUBEMPI_AGENT_HOSTFILE";

    /// <summary>
    /// The line with which the operator ends <c>discover_hosts.sh</c> when all workers run and a gate still waits: only then
    /// does the gate's time limit start where DNS never learns the workers' names. A comment to the shell that runs the script.
    /// </summary>
    public const string AllWorkersRunNotice = "# kubempi: all workers run";

    /// <summary>Overrides where reports go; by default the kubelet's <see cref="TerminationLogPath"/>.</summary>
    public const string TerminationLogVariable = "KUBEMPI_TERMINATION_LOG";

    public const string TerminationLogPath = "/dev/termination-log";

    /// <summary>Bytes that the kubelet keeps of one container's termination message.</summary>
    public const int TerminationMessageLimit = 4096;
}
