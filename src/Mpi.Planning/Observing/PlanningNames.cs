namespace Mpi.Planning;

/// <summary>Names of our own that objects carry whatever their dialect.</summary>
public static class PlanningNames
{
    /// <summary>Pod label with the job object's uid: selects this job's pods and never those of a namesake before or after it.</summary>
    public const string JobUid = "kubempi.dev/job-uid";

    /// <summary>Annotation of the launcher Job and of the workers' StatefulSet: digest of the rendered template without what may be changed while suspended.</summary>
    public const string TemplateDigest = "kubempi.dev/template-digest";

    /// <summary>Launcher Job annotation: the number of the attempt, for people.</summary>
    public const string Attempt = "kubempi.dev/attempt";

    /// <summary>
    /// Annotation of the workers' StatefulSet: how many workers, from index 0 on, have been wanted ever since the launcher's start. A pod made anew
    /// among them replaces a lost one; beyond, it is one that the job was enlarged by.
    /// </summary>
    public const string StandingWorkers = "kubempi.dev/standing-workers";

    /// <summary>Label by which a dialect's rival (<see cref="Mpi.Model.IDialect.Rival"/>) knows the children that it made: the parent's uid. A Job's own label of this name has the Job's.</summary>
    public const string ParentUid = "controller-uid";

    /// <summary>Launcher Job annotation: digest of what the user asked of it, where an edit is worth a word.</summary>
    public const string SpecDigest = "kubempi.dev/spec-digest";

    /// <summary>The Job controller's, on each pod of an Indexed Job.</summary>
    public const string CompletionIndex = "batch.kubernetes.io/job-completion-index";

    public const string DeliverContainer = "kubempi-deliver";
    public const string GateContainer = "kubempi-gate";
    public const string AgentVolume = "kubempi-agent";
    public const string CredentialsVolume = "kubempi-credentials";
}
