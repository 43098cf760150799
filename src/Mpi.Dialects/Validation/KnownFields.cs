namespace Mpi.Dialects;

/// <summary>
/// The fields of all dialects' manifests, and of what they share: metadata and a pod template as of Kubernetes 1.35. Rare volume sources are not
/// looked into.
/// </summary>
internal static class KnownFields
{
    public const string PodTemplate = "PodTemplateSpec";

    public static FieldTree Tree { get; } = new(string.Join('\n', ManifestDialects.Readable.Select(static d => d.Fields).Append(Shared)));

    private const string Shared = """
        ObjectMeta name generateName namespace labels:{s} annotations:{s} finalizers:[s] ownerReferences:any uid resourceVersion generation:i creationTimestamp deletionTimestamp deletionGracePeriodSeconds:i managedFields:any selfLink
        PodTemplateSpec metadata:ObjectMeta spec:PodSpec
        PodSpec activeDeadlineSeconds:i affinity:Affinity automountServiceAccountToken:b containers:[Container] dnsConfig:DnsConfig dnsPolicy enableServiceLinks:b ephemeralContainers:any hostAliases:[HostAlias] hostIPC:b hostNetwork:b hostPID:b hostUsers:b hostname hostnameOverride imagePullSecrets:[Named] initContainers:[Container] nodeName nodeSelector:{s} os:Named overhead:{q} preemptionPolicy priority:i priorityClassName readinessGates:[ReadinessGate] resourceClaims:[ResourceClaim] resources:Resources restartPolicy runtimeClassName schedulerName schedulingGroup:any schedulingGates:[Named] securityContext:PodSecurityContext serviceAccount serviceAccountName setHostnameAsFQDN:b shareProcessNamespace:b subdomain terminationGracePeriodSeconds:i tolerations:[Toleration] topologySpreadConstraints:[TopologySpreadConstraint] volumes:[Volume] workloadRef:WorkloadRef
        Container args:[s] command:[s] env:[EnvVar] envFrom:[EnvFrom] image imagePullPolicy lifecycle:Lifecycle livenessProbe:Probe name ports:[ContainerPort] readinessProbe:Probe resizePolicy:[ResizePolicy] resources:Resources restartPolicy restartPolicyRules:any securityContext:SecurityContext startupProbe:Probe stdin:b stdinOnce:b terminationMessagePath terminationMessagePolicy tty:b volumeDevices:[VolumeDevice] volumeMounts:[VolumeMount] workingDir

        Resources claims:[ContainerClaim] limits:{q} requests:{q}
        ContainerClaim name request
        ContainerPort containerPort:i hostIP hostPort:i name protocol
        ResizePolicy resourceName restartPolicy
        VolumeDevice devicePath name
        VolumeMount mountPath mountPropagation name readOnly:b recursiveReadOnly subPath subPathExpr
        EnvVar name value valueFrom:EnvVarSource
        EnvVarSource configMapKeyRef:KeyRef fieldRef:FieldRef fileKeyRef:FileKeyRef resourceFieldRef:ResourceFieldRef secretKeyRef:KeyRef
        KeyRef key name optional:b
        FieldRef apiVersion fieldPath
        FileKeyRef key optional:b path volumeName
        ResourceFieldRef containerName divisor:q resource
        EnvFrom configMapRef:ObjectRef prefix secretRef:ObjectRef
        ObjectRef name optional:b
        Lifecycle postStart:LifecycleHandler preStop:LifecycleHandler stopSignal
        LifecycleHandler exec:Exec httpGet:HttpGet sleep:Sleep tcpSocket:TcpSocket
        Sleep seconds:i
        Probe exec:Exec failureThreshold:i grpc:Grpc httpGet:HttpGet initialDelaySeconds:i periodSeconds:i successThreshold:i tcpSocket:TcpSocket terminationGracePeriodSeconds:i timeoutSeconds:i
        Exec command:[s]
        Grpc port:i service
        HttpGet host httpHeaders:[NameValue] path port:x scheme
        TcpSocket host port:x
        NameValue name value
        Named name
        SecurityContext allowPrivilegeEscalation:b appArmorProfile:Profile capabilities:Capabilities privileged:b procMount readOnlyRootFilesystem:b runAsGroup:i runAsNonRoot:b runAsUser:i seLinuxOptions:SeLinuxOptions seccompProfile:Profile windowsOptions:any
        PodSecurityContext appArmorProfile:Profile fsGroup:i fsGroupChangePolicy runAsGroup:i runAsNonRoot:b runAsUser:i seLinuxChangePolicy seLinuxOptions:SeLinuxOptions seccompProfile:Profile supplementalGroups:[i] supplementalGroupsPolicy sysctls:[NameValue] windowsOptions:any
        Profile localhostProfile type
        Capabilities add:[s] drop:[s]
        SeLinuxOptions level role type user

        Volume name awsElasticBlockStore:any azureDisk:any azureFile:any cephfs:any cinder:any configMap:ConfigMapVolume csi:CsiVolume downwardAPI:DownwardApiVolume emptyDir:EmptyDir ephemeral:any fc:any flexVolume:any flocker:any gcePersistentDisk:any gitRepo:any glusterfs:any hostPath:HostPath image:ImageVolume iscsi:any nfs:Nfs persistentVolumeClaim:PersistentVolumeClaim photonPersistentDisk:any portworxVolume:any projected:Projected quobyte:any rbd:any scaleIO:any secret:SecretVolume storageos:any vsphereVolume:any
        ConfigMapVolume defaultMode:i items:[KeyToPath] name optional:b
        SecretVolume defaultMode:i items:[KeyToPath] optional:b secretName
        KeyToPath key mode:i path
        EmptyDir medium sizeLimit:q
        HostPath path type
        Nfs path readOnly:b server
        PersistentVolumeClaim claimName readOnly:b
        ImageVolume pullPolicy reference
        CsiVolume driver fsType nodePublishSecretRef:Named readOnly:b volumeAttributes:{s}
        DownwardApiVolume defaultMode:i items:[DownwardApiFile]
        DownwardApiFile fieldRef:FieldRef mode:i path resourceFieldRef:ResourceFieldRef
        Projected defaultMode:i sources:[ProjectedSource]
        ProjectedSource clusterTrustBundle:any configMap:ProjectedKeys downwardAPI:DownwardApiVolume podCertificate:any secret:ProjectedKeys serviceAccountToken:ServiceAccountToken
        ProjectedKeys items:[KeyToPath] name optional:b
        ServiceAccountToken audience expirationSeconds:i path

        Affinity nodeAffinity:NodeAffinity podAffinity:PodAffinity podAntiAffinity:PodAffinity
        NodeAffinity preferredDuringSchedulingIgnoredDuringExecution:[PreferredNode] requiredDuringSchedulingIgnoredDuringExecution:NodeSelector
        PreferredNode preference:NodeSelectorTerm weight:i
        NodeSelector nodeSelectorTerms:[NodeSelectorTerm]
        NodeSelectorTerm matchExpressions:[Requirement] matchFields:[Requirement]
        Requirement key operator values:[s]
        PodAffinity preferredDuringSchedulingIgnoredDuringExecution:[PreferredPods] requiredDuringSchedulingIgnoredDuringExecution:[PodAffinityTerm]
        PreferredPods podAffinityTerm:PodAffinityTerm weight:i
        PodAffinityTerm labelSelector:LabelSelector matchLabelKeys:[s] mismatchLabelKeys:[s] namespaceSelector:LabelSelector namespaces:[s] topologyKey
        LabelSelector matchExpressions:[Requirement] matchLabels:{s}
        Toleration effect key operator tolerationSeconds:i value
        TopologySpreadConstraint labelSelector:LabelSelector matchLabelKeys:[s] maxSkew:i minDomains:i nodeAffinityPolicy nodeTaintsPolicy topologyKey whenUnsatisfiable
        DnsConfig nameservers:[s] options:[NameValue] searches:[s]
        HostAlias hostnames:[s] ip
        ReadinessGate conditionType
        ResourceClaim name resourceClaimName resourceClaimTemplateName
        WorkloadRef name podGroup podGroupReplicaKey
        """;
}
