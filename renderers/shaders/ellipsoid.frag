// Where this pixel's ray meets the ellipsoid, lit from the camera.

uniform vec2 u_depth_range;

varying vec3 v_origin;
varying vec3 v_direction;
varying vec3 v_axis_x;
varying vec3 v_axis_y;
varying vec3 v_axis_z;
varying vec3 v_colour;

void main() {
    // The nearest approach first: the textbook discriminant cancels for far, small ellipsoids.
    float a = dot(v_direction, v_direction);
    float b = dot(v_origin, v_direction) / a;
    vec3 closest = v_origin - b * v_direction;
    float inside = 1.0 - dot(closest, closest);
    if (inside < 0.0) discard;
    float z = -b - sqrt(inside / a);
    if (z < u_depth_range.x) discard;
    vec3 hit = v_origin + z * v_direction;
    vec3 normal = normalize(vec3(dot(v_axis_x, hit), dot(v_axis_y, hit), dot(v_axis_z, hit)));
    float light = 0.35 + 0.65 * clamp(dot(normal, normalize(vec3(-0.35, -0.55, -0.75))), 0.0, 1.0);
    gl_FragColor = vec4(v_colour * light, 1.0);
    float near = u_depth_range.x;
    float far = u_depth_range.y;
    gl_FragDepth = min(0.5 * (far + near - 2.0 * far * near / z) / (far - near) + 0.5, 0.999999);
}
