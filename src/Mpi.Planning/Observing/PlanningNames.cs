namespace Mpi.Planning;

/// <summary>Names of our own that objects carry whatever their dialect.</summary>
public static class PlanningNames
{
    /// <summary>Pod label with the job object's uid: selects this job's pods and never those of a namesake before or after it.</summary>
    public const string JobUid = "kubempi.dev/job-uid";

    /// <summary>Launcher Job annotation: digest of the rendered template without what may be changed while suspended.</summary>
    public const string TemplateDigest = "kubempi.dev/template-digest";

    /// <summary>Launcher Job annotation: the number of the attempt, for people.</summary>
    public const string Attempt = "kubempi.dev/attempt";

    public const string DeliverContainer = "kubempi-deliver";
    public const string GateContainer = "kubempi-gate";
    public const string AgentVolume = "kubempi-agent";
    public const string CredentialsVolume = "kubempi-credentials";
}
